import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProductName } from '../../protocol/identity.ts'
import { catalogue } from '../../protocol/profile/mod.ts'
import { asStored, preparedParameters } from './prepared.ts'
import type { LayerParameter } from './types.ts'

const MODELS = ['CP-8851-3PCC', 'CP-6821-3PCC', 'CP-7841-3PCC', 'CP-0000-3PCC'].map((name) => name as ProductName)
const elements = catalogue.allFor(MODELS[0] as ProductName).map(({ element }) => element)
const names = fc.constantFrom(...elements.slice(0, 300), 'Proxy_n_', 'Unknown_Thing', 'Unknown_n_Thing')
const values = fc.oneof(fc.constantFrom('Yes', ' no ', '""', '', '{{device.mac}}', '12'), fc.string({ maxLength: 12 }))
const layers = fc
  .array(fc.tuple(names, values), { maxLength: 20 })
  .map((entries): ReadonlyMap<string, LayerParameter> => new Map(entries.map(([name, value]) => [name, { value }])))

describe('what is kept with a layer', () => {
  it('is what a fresh copy of the layer gives, on any model and in any order of asking', () => {
    fc.assert(
      fc.property(
        fc.array(layers, { maxLength: 4 }),
        fc.array(fc.nat({ max: 15 }), { maxLength: 12 }),
        (all, asked) => {
          for (const number of asked) {
            const parameters = all[number % Math.max(1, all.length)]
            const model = MODELS[number % MODELS.length] as ProductName
            if (parameters === undefined) continue
            expect(preparedParameters(parameters, model)).toEqual(preparedParameters(new Map(parameters), model))
          }
        },
      ),
    )
  })

  it('is the same object for the same layer and model', () => {
    const parameters = new Map([['Proxy_n_', { value: 'sip.example.com' }]])
    const [model, other] = MODELS as [ProductName, ProductName]
    expect(preparedParameters(parameters, model)).toBe(preparedParameters(parameters, model))
    expect(preparedParameters(parameters, model)).not.toBe(preparedParameters(parameters, other))
  })

  it('lets the element that is named itself win over the pattern, in whatever order they are', () => {
    const parameters = new Map([
      ['Proxy_1_', { value: 'one' }],
      ['Proxy_n_', { value: 'all' }],
    ])
    const last = new Map(preparedParameters(parameters, MODELS[0] as ProductName).map((each) => [each.element, each]))
    expect([last.get('Proxy_1_')?.parameter.value, last.get('Proxy_2_')?.parameter.value]).toEqual(['one', 'all'])
  })

  it('gives each text its own value, whatever was stored in the element before [MPP §1.4]', () => {
    const texts = [' Yes ', '""', 'two\nlines', 'Yes', ' Yes ']
    expect(texts.map((text) => asStored('Enable_Web_Server', text))).toEqual(['Yes', '', 'two lines', 'Yes', 'Yes'])
  })
})
