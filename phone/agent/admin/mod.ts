/**
 * The phone's built-in web server as a function of a request: pages, command URLs, status and export (MPP §7).
 * The shell owns the socket; nothing here waits or listens.
 */
export { answerWeb } from './answer.ts'
export { initialWebState } from './state.ts'
export type { WebAnswer, WebState } from './state.ts'
