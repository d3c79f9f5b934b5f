/** Starts a Kamailio, says which, and waits to be killed. */
import { startKamailio } from '../kamailio.ts'

const kamailio = await startKamailio()
process.stdout.write(`${kamailio.pid}\n`)
setInterval(() => undefined, 1000)
