/** "These phones stand in Berlin and speak German." Source: MPP §13.6. */
import { appliesTo, findPattern, validateValue } from '../../../protocol/profile/mod.ts'
import { type FeatureMaker, type Parameters, parametersOf, yesNo } from './kind.ts'
import { type Fields, given, type TextRule } from './read.ts'
import { DAYLIGHT_RULES, KNOWN_PLACES, timeZoneOf } from './time-zones.ts'
import { TONE_COUNTRIES, TONES } from './tones.ts'
import type { TimeAndLocale } from './types.ts'

const NO_DAYLIGHT_SAVING = 'none'
const WORD: TextRule = { expected: 'a name without spaces', form: /^[A-Za-z0-9_/+:-]+$/, charsMax: 64 }
const RULE: TextRule = { expected: 'none, a known rule or a rule of the phone', form: /^[\x21-\x7e]+$/, charsMax: 127 }
const SCRIPT: TextRule = {
  expected: 'serv=URL;d1=NAME;x1=FILE;…',
  form: /^serv=[^\u0000-\u001f\u007f]+$/,
  charsMax: 4096,
}

export const timeAndLocale: FeatureMaker<TimeAndLocale> = {
  read: (fields) => ({
    kind: 'time-and-locale',
    ...given({
      timeZone: readTimeZone(fields),
      daylightSaving: readDaylightSaving(fields),
      dateFormat: fields.optionalChoice('dateFormat', ['month/day', 'day/month'] as const),
      timeFormat: fields.optionalChoice('timeFormat', ['12hr', '24hr'] as const),
      language: fields.optionalText('language', WORD),
      locale: readChoiceOf(fields, 'locale', 'Locale'),
      dictionary: fields.optionalText('dictionary', SCRIPT),
      tones: fields.optionalChoice('tones', TONE_COUNTRIES),
    }),
  }),
  expand: (body, { device }) => [
    ...clockOf(body),
    ...parametersOf({
      Date_Format: body.dateFormat,
      Time_Format: body.timeFormat,
      Locale: body.locale,
      Dictionary_Server_Script: body.dictionary,
      ...(appliesTo('Phone_Language', device.model)
        ? { Phone_Language: body.language }
        : { Language_Selection: body.language }),
      ...(body.tones === undefined ? {} : TONES[body.tones]),
    }),
  ],
  problems: () => [],
}

function clockOf({ timeZone, daylightSaving }: TimeAndLocale): Parameters {
  const place = timeZone === undefined ? undefined : timeZoneOf(timeZone)
  const rule = daylightSaving ?? (place === undefined ? undefined : (place.rule ?? NO_DAYLIGHT_SAVING))
  const zone = parametersOf({ Time_Zone: place?.offset ?? timeZone })
  if (rule === undefined) return zone
  if (rule === NO_DAYLIGHT_SAVING) return [...zone, ...parametersOf({ Daylight_Saving_Time_Enable: yesNo(false) })]
  return [
    ...zone,
    ...parametersOf({
      Daylight_Saving_Time_Enable: yesNo(true),
      Daylight_Saving_Time_Rule: DAYLIGHT_RULES[rule] ?? rule,
    }),
  ]
}

function readTimeZone(fields: Fields): string | undefined {
  const zone = fields.optionalText('timeZone', WORD)
  if (zone === undefined || timeZoneOf(zone) !== undefined) return zone
  if (findPattern('Time_Zone')?.choices.includes(zone) === true) return zone
  fields.fault(
    'timeZone',
    `"${zone}" is no place that we know`,
    `Give one of ${KNOWN_PLACES.length} places such as Europe/Berlin, or an offset such as GMT+01:00.`,
  )
  return undefined
}

function readDaylightSaving(fields: Fields): string | undefined {
  const rule = fields.optionalText('daylightSaving', RULE)
  if (rule === undefined || rule === NO_DAYLIGHT_SAVING || Object.hasOwn(DAYLIGHT_RULES, rule)) return rule
  const row = findPattern('Daylight_Saving_Time_Rule')
  if (row !== undefined && validateValue(row, rule) === undefined) return rule
  fields.fault(
    'daylightSaving',
    `"${rule}" is no rule`,
    `Give none, ${Object.keys(DAYLIGHT_RULES).join(', ')}, or one like start=3/-1/7/2;end=10/-1/7/3;save=1.`,
  )
  return undefined
}

function readChoiceOf(fields: Fields, name: string, element: string): string | undefined {
  return fields.optionalChoice(name, findPattern(element)?.choices ?? [])
}
