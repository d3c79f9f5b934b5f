import type { Api, ReadyPlatform } from '../context.ts'

export function rcRoutes(_api: Api, _ready: ReadyPlatform): void {}
