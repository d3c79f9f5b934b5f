export * from './issue.ts'
export * from './prove.ts'
export * from './types.ts'
