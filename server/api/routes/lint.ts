import type { Api, ReadyPlatform } from '../context.ts'

export function lintRoutes(_api: Api, _ready: ReadyPlatform): void {}
