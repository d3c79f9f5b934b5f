import type { ParameterType, UserAccess } from './parameter.ts'

/**
 * One parameter as the collected exports and guides have it; `catalogue-corrections.ts` mends the slips.
 * Choices are joined by `|`; an empty access means that no source tells it. `models` and `sources` use the keys below.
 */
export type CatalogueRow = readonly [
  element: string,
  type: ParameterType,
  defaultValue: string,
  choices: string,
  ua: UserAccess | '',
  models: string,
  description: string,
  sources: string,
]

/** A section of the phone's web page with its parameters, in the order of an export. */
export interface CatalogueSection {
  readonly title: string
  readonly rows: readonly CatalogueRow[]
}

/** Short names for the lists of models that many rows share; other rows spell theirs out. */
export const MODEL_KEYS: Readonly<Record<string, string>> = {
  MPP: '88xx 8832 78xx 7832 68xx 98xx',
  DESK: '88xx 8832 78xx 7832 68xx',
  EXT: '88xx[1-10] 8832[1] 78xx[1-4] 7832[1] 68xx[1-4] 98xx[1-16]',
  EXTDESK: '88xx[1-10] 8832[1] 78xx[1-4] 7832[1] 68xx[1-4]',
  // The guide names no models for these; it is the guide of the desk and conference phones with 12.x (uncertain).
  GUIDE: '88xx 8832 78xx 7832 68xx',
  ALL: '88xx 8832 78xx 7832 68xx 98xx ATA19x',
  // Documented for the SPA line and early releases; 8831 stands for them (MPP §13.1, "older code base").
  OLD: '8831',
}

/** The documents behind the rows. */
export const SOURCE_KEYS: Readonly<Record<string, string>> = {
  '88dump': '8800 MPP Provisioning Guide, Sample Configuration Profiles',
  '8832dump': '8800/8832 MPP Provisioning Guide, Sample Configuration Profiles',
  '78dump': '7800 MPP Provisioning Guide, Sample Configuration Profiles',
  '68dump': '6800 MPP Provisioning Guide, Sample Configuration Profiles',
  '9861': 'FusionPBX template cisco/9861 (config export derived)',
  '8851': 'FusionPBX template cisco/8851',
  ata: 'ATA 191/192 Provisioning Guide, Provisioning Parameters',
  install: 'MPP Administration Guide, Cisco IP Phone Installation',
  features: 'MPP Administration Guide, Phone Features and Setup',
  calls: 'MPP Administration Guide, Call Features Configuration',
  directory: 'MPP Administration Guide, Corporate and Personal Directory Setup',
  security: 'MPP Administration Guide, Cisco IP Phone Security',
  methods: 'MPP Administration Guide, Provisioning Methods',
  audio: 'MPP Administration Guide, Audio Configuration',
  display: 'MPP Administration Guide, Phone Information and Display Configuration',
  access: 'MPP Administration Guide, Access Control Configuration',
  voicemail: 'MPP Administration Guide, Voicemail Configuration',
  formats: 'MPP Administration Guide, Provisioning Formats',
  video: 'MPP Administration Guide, Video Configuration',
  kem: 'MPP Administration Guide, Cisco IP Phone Key Expansion Module (8800 and 6800)',
  parameters: 'MPP Administration Guide, Provisioning Parameters',
  technical: 'MPP Administration Guide, Technical Details',
  tpcc: 'MPP Administration Guide, Third-Party Call Control Setup',
  accessories: 'MPP Administration Guide, Cisco IP Phone Accessories',
  trouble: 'MPP Administration Guide, Troubleshooting',
  provisioning: 'MPP Administration Guide, Provisioning',
}
