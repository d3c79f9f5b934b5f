import type { Api, ReadyPlatform } from '../context.ts'

export function auditRoutes(_api: Api, _ready: ReadyPlatform): void {}
