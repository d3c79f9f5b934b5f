/**
 * The questions that our rules put to a phone: the marker of the profile it runs, why it came, its load, and the
 * seconds that line 1 has been without registration. `server/fetch/observe.ts` reads the answers.
 * Source: MPP §3.3 (macros P, PRVST, SWVER, REGTMR1).
 */
export const DEVICE_QUERY = 'v=$P&why=$PRVST&fw=$SWVER&reg=$REGTMR1'
