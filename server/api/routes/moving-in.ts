import type { Api, ReadyPlatform } from '../context.ts'

export function movingInRoutes(_api: Api, _ready: ReadyPlatform): void {}
