import type { Api, ReadyPlatform } from '../context.ts'

export function featureRoutes(_api: Api, _ready: ReadyPlatform): void {}
