export * from '../query.ts'
