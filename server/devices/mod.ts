export * from './acs-credentials.ts'
export { isPublicAddress, network64Of, plainAddress } from './address.ts'
export * from './state.ts'
export * from './types.ts'
