/** Thousands of virtual phones in one process: who they are, when they arrive, what was measured. */
export { type Arrival, arrivalTimes } from './arrival.ts'
export { type Fleet, type FleetOptions, startFleet } from './fleet.ts'
export { type Box, FLEET_MAX, type Population, populate, seededRng } from './population.ts'
export type { FleetCounts, FleetSummary } from './record.ts'
export type { Spread } from './samples.ts'
