/** Accounts: whose phones they are, and how their phones get their profile. */
import type { AccountSettings } from '../devices/types.ts'

export * from './tree.ts'

/** Source: guide "Retail Distribution" (Customer ID or alphanumeric code). */
export const CUSTOMER_ID_FORM = /^[A-Za-z0-9_-]{4,64}$/

export const DEFAULT_ACCOUNT_SETTINGS: AccountSettings = {
  delivery: 'https',
  credentialed: false,
  expiredCertificates: 'refuse',
  rcForClaimed: false,
  claimedProblemReports: false,
  ledBy: 'profile',
  wakeByReboot: false,
}

/** Settings as stored: what is absent has its default. */
export function accountSettings(stored: Readonly<Partial<AccountSettings>>): AccountSettings {
  return { ...DEFAULT_ACCOUNT_SETTINGS, ...stored }
}
