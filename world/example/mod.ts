export { type Example, type ExampleOptions, startExample } from './example.ts'
