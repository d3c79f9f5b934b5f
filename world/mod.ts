/**
 * The simulated world: the real server and real agents over a virtual network, under a clock that jumps. A run follows
 * from its seed and can be played again.
 */
export * from './addresses.ts'
export * from './chance.ts'
export * from './clock.ts'
export * from './network.ts'
export * from './provisioning-server.ts'
export { SipRegistrar } from './registrar/mod.ts'
export * from './world.ts'
export * from './world-phone.ts'
