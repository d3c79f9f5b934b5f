export * from './listen.ts'
export * from './request.ts'
