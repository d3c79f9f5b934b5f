export { type ApiDoor, type ApiOptions, listenApi } from './listen.ts'
