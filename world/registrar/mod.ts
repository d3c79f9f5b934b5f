export * from './registrar.ts'
export * from './sip-registrar.ts'
