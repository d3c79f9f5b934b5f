import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guessDaemon } from './guess.ts'

describe('whose configuration a text is', () => {
  it.each([
    ['{"Dhcp4": {}}', 'kea'],
    ['// ours\n/* two\nlines */ {\n "Dhcp6": {} }', 'kea'],
    ['\uFEFF# c\n{ }', 'kea'],
    ['# c\ndhcp-range=192.0.2.50,192.0.2.200,1h\n', 'dnsmasq'],
    ['  dhcp-option=tag:voice,66,"192.0.2.1"', 'dnsmasq'],
    ['bind-interfaces\n', 'dnsmasq'],
    ['subnet 192.0.2.0 netmask 255.255.255.0 {\n  range 192.0.2.50 192.0.2.200;\n}', 'isc'],
    ['option tftp-server-name "192.0.2.1";', 'isc'],
    ['class "phones" {\n match if true;\n}', 'isc'],
    ['subnet6 2001:db8::/64 {\n}', 'isc'],
    ['# { "Dhcp4": 1 }\n', undefined],
    ['', undefined],
    ['hello', undefined],
    ['option x 1;\ndhcp-range=1\n', undefined],
  ] as const)('%j is that of %s', (text, daemon) => {
    expect(guessDaemon(text)).toBe(daemon)
  })

  it('comes to an end on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('/', '*', '#', '\n', '{', ' ', 'a', '"', 'option', '=') }),
        (text) => {
          expect(['kea', 'dnsmasq', 'isc', undefined]).toContain(guessDaemon(text))
        },
      ),
    )
  })
})
