import type { Api, ReadyPlatform } from '../context.ts'

export function certificateRoutes(_api: Api, _ready: ReadyPlatform): void {}
