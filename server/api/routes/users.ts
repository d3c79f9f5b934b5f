import type { Api, ReadyPlatform } from '../context.ts'

export function userRoutes(_api: Api, _ready: ReadyPlatform): void {}
