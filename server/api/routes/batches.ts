import type { Api, ReadyPlatform } from '../context.ts'

export function batchRoutes(_api: Api, _ready: ReadyPlatform): void {}
