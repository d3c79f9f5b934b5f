import { afterEach, describe, expect, it } from 'vitest'
import { type Lan, makeLan } from './testing-lan.ts'

const SERVER = '192.168.77.1'
const OWN = '192.168.77.50'
const SENT = 100

const lans: Lan[] = []
afterEach(async () => {
  await Promise.all(lans.splice(0).map((lan) => lan.clear()))
})

describe('the socket of DHCP', () => {
  it('hears also the server that answers a renewal at once [RFC 2131 §4.4.5]', async () => {
    const lan = makeLan()
    lans.push(lan)
    const echo = `
      const socket = require('node:dgram').createSocket('udp4')
      socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address))
      socket.bind(67, '${SERVER}', () => console.log('ready'))`
    await lan.namespace('server', `${SERVER}/24`).run(process.execPath, ['-e', echo]).line(/ready/)
    // When all answers are in, or none has come for long, it says how many came, and whether it could end.
    const client = `
      import { openSocketV4 } from '${import.meta.resolve('./sockets.ts')}'
      let heard = 0
      let last = Date.now()
      const socket = await openSocketV4(() => { heard += 1; last = Date.now() })
      for (let sent = 0; sent < ${SENT}; sent += 1) await socket.unicast(new Uint8Array(300), '${OWN}', '${SERVER}')
      last = Date.now()
      while (heard < ${SENT} && Date.now() - last < 5000) await new Promise((resolve) => setTimeout(resolve, 10))
      await socket.close()
      await (await openSocketV4(() => undefined)).close()
      console.log('heard', heard)`
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', client]
    const { code, output, errors } = await lan.namespace('desk', `${OWN}/24`).exec(process.execPath, args)
    expect({ code, output, errors }).toEqual({ code: 0, output: `heard ${SENT}\n`, errors: '' })
  }, 120_000)
})
