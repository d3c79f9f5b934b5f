export * from './acs-credentials.ts'
export * from './state.ts'
export * from './types.ts'
