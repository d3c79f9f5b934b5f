export * from './listen.ts'
export * from './peer-chain.ts'
export * from './request.ts'
