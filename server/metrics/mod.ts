export * from './delays.ts'
export * from './loop-delay.ts'
export * from './metrics.ts'
export * from './signals.ts'
