import type { Api, ReadyPlatform } from '../context.ts'

export function actionRoutes(_api: Api, _ready: ReadyPlatform): void {}
