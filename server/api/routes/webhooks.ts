import type { Api, ReadyPlatform } from '../context.ts'

export function webhookRoutes(_api: Api, _ready: ReadyPlatform): void {}
