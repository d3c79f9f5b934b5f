/** TR-069 as pure decisions: tasks, learning a tree, the wished state, and what a session asks next. */
export * from './identity.ts'
export * from './learn.ts'
export * from './objects.ts'
export * from './plan.ts'
export * from './secrets.ts'
export * from './tasks.ts'
export * from './types.ts'
export * from './wished.ts'
