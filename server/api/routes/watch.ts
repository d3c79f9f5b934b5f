import type { Api, ReadyPlatform } from '../context.ts'

export function watchRoutes(_api: Api, _ready: ReadyPlatform): void {}
