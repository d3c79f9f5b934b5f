import type { Api, ReadyPlatform } from '../context.ts'

export function bulkRoutes(_api: Api, _ready: ReadyPlatform): void {}
