import type { ParameterType } from './parameter.ts'

/** What is changed in one row of the catalogue data, and why. Models are written as in the data. */
export interface Correction {
  readonly type?: ParameterType
  readonly defaultValue?: string
  readonly choices?: string
  readonly models?: string
  readonly reason: string
}

const WIFI_SECRET: Correction = { type: 'Password', reason: 'a Wi-Fi secret, collected as a plain string' }
const MASKED: Correction = { defaultValue: '', reason: 'the default is the mask of an export, not a value' }
const SCEP_SLOTS = '88xx[1-2] 8832[1-2] 78xx[1-2] 7832[1-2] 68xx[1-2]'

/**
 * Types in the collected data were inferred from sample values (MPP §14), which went wrong where a name misled or a
 * sample was taken from the neighbouring field. Each slip is mended here and nowhere else.
 */
export const CORRECTIONS: Readonly<Record<string, Correction>> = {
  Display_Name_n_: { type: 'Str', reason: 'the name of a caller; the samples happened to be extension numbers' },
  Set_Local_Date__mm_dd_yyyy_: { type: 'Str', reason: 'a date; taken for a password because exports leave it empty' },
  Set_Local_Time__HH_mm_: { type: 'Str', reason: 'a time; taken for a password because exports leave it empty' },
  Periodic_Upload_To_Server: { type: 'Uns32', reason: 'seconds from 600 to 259200; the name ends in Server' },
  Mute_Tone: { type: 'ToneScript', reason: 'its default is a tone script' },
  Unmute_Tone: { type: 'ToneScript', reason: 'its default is a tone script' },
  System_Beep: { type: 'ToneScript', reason: 'its default is a tone script' },
  Preferred_Password_Input_Mode: { type: 'Choice', reason: 'a choice of keyboards, not a password' },
  PSK_Passphrase_n_: { defaultValue: '', reason: 'Auto is the default of the next field, Frequency_Band_n_' },
  LDAP_Server: { defaultValue: '', reason: '636 is a port; a server has no default' },
  Feature_Activation_Code_Sync_n_: { type: 'Bool', reason: 'its default is No' },
  'X-SWITCH-INFO_Support': { type: 'Bool', reason: 'its default is No' },
  Work_Days: { type: 'ChoiceList', reason: 'its default is several of the choices' },
  Back_Light_Timer: {
    choices: 'Off|10s|20s|30s|5m|30m|Always On',
    reason: 'the default 5m is not among the choices collected from another model',
  },
  Disable_DF: {
    choices: 'Disable IP DF flag|Yes|No',
    reason: 'the sources name a label and Yes as default; one choice alone could not be changed',
  },
  Extension_n_: {
    choices: '1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|Disabled',
    reason: 'the CP-7861 has 16 line keys (MPP §13.1)',
  },
  Unit_u_Key_k_: {
    models: '88xx[units 1-3, keys 1-36] 68xx[units 1-1, keys 1-28] 98xx[units 1-3, keys 1-40]',
    reason: 'a module with a single LCD has 36 keys on the 8800 (MPP §13.1)',
  },
  CDC_Server_n_: { models: SCEP_SLOTS, reason: 'indexed without a range; two enrolment profiles (uncertain)' },
  CDC_Root_CA_Fingerprint_n_: { models: SCEP_SLOTS, reason: 'as CDC_Server_n_' },
  CDC_Challenge_Password_n_: { models: SCEP_SLOTS, reason: 'as CDC_Server_n_' },
  wepKey_n_: WIFI_SECRET,
  wepKey0_n_: WIFI_SECRET,
  wepKey1_n_: WIFI_SECRET,
  wepKey2_n_: WIFI_SECRET,
  wepKey3_n_: WIFI_SECRET,
  passphrase_n_: WIFI_SECRET,
  pskKey_n_: WIFI_SECRET,
  password_n_: WIFI_SECRET,
  serverCert_n_: MASKED,
  clientCert_n_: MASKED,
}
