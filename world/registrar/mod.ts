export * from './registrar.ts'
