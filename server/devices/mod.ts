export * from './state.ts'
export * from './types.ts'
