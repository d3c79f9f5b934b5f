import type { Api, ReadyPlatform } from '../context.ts'

export function tokenRoutes(_api: Api, _ready: ReadyPlatform): void {}
