import type { CatalogueSection } from './catalogue-row.ts'

/** The parameters of the tab Att Console, one a line. */
// biome-ignore format: a table, one parameter a line
export const CONSOLE_SECTIONS: readonly CatalogueSection[] = [
  { title: 'Att Console / Unit 1', rows: [
    ['Unit_u_Key_k_', 'FunctionScript', '', '', 'na', '88xx[units 1-3, keys 1-28] 68xx[units 1-1, keys 1-28] 98xx[units 1-3, keys 1-40]', 'Key-expansion-module key script (unit u, key k)', '88dump 68dump kem'],
    ['Unit_1_Extension_n_', 'Choice', 'Disabled', '1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|Disabled', 'na', '98xx[1-40]', 'Unit 1 Extension (n) setting', '9861'],
    ['Unit_1_Short_Name_n_', 'Str', '$USER', '', 'na', '98xx[1-40]', 'Unit 1 Short Name (n) setting', '9861'],
    ['Unit_1_Share_Call_Appearance_n_', 'Choice', 'private', 'private|shared', 'na', '98xx[1-40]', 'Unit 1 Share Call Appearance (n) setting', '9861'],
    ['Unit_1_Line_Label_n_', 'Str', '', '', 'na', '98xx[1-40]', 'Unit 1 Line Label (n) setting', '9861'],
  ] },
  { title: 'Att Console / Unit 2', rows: [
    ['Unit_2_Extension_n_', 'Choice', 'Disabled', '1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|Disabled', 'na', '98xx[1-40]', 'Unit 2 Extension (n) setting', '9861'],
    ['Unit_2_Short_Name_n_', 'Str', '$USER', '', 'na', '98xx[1-40]', 'Unit 2 Short Name (n) setting', '9861'],
    ['Unit_2_Share_Call_Appearance_n_', 'Choice', 'private', 'private|shared', 'na', '98xx[1-40]', 'Unit 2 Share Call Appearance (n) setting', '9861'],
    ['Unit_2_Line_Label_n_', 'Str', '', '', 'na', '98xx[1-40]', 'Unit 2 Line Label (n) setting', '9861'],
  ] },
  { title: 'Att Console / Unit 3', rows: [
    ['Unit_3_Extension_n_', 'Choice', 'Disabled', '1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|Disabled', 'na', '98xx[1-40]', 'Unit 3 Extension (n) setting', '9861'],
    ['Unit_3_Short_Name_n_', 'Str', '$USER', '', 'na', '98xx[1-40]', 'Unit 3 Short Name (n) setting', '9861'],
    ['Unit_3_Share_Call_Appearance_n_', 'Choice', 'private', 'private|shared', 'na', '98xx[1-40]', 'Unit 3 Share Call Appearance (n) setting', '9861'],
    ['Unit_3_Line_Label_n_', 'Str', '', '', 'na', '98xx[1-40]', 'Unit 3 Line Label (n) setting', '9861'],
  ] },
]
