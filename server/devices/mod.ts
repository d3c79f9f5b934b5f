export * from './acs-credentials.ts'
export { isPublicAddress, plainAddress } from './address.ts'
export * from './state.ts'
export * from './types.ts'
