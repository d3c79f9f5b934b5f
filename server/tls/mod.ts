/** TLS of the doors for phones: a client certificate is asked for, and what the door shows can change while it is open. */
export { type PhoneTls, openPhoneTls, type TlsSettings } from './phone-tls.ts'
