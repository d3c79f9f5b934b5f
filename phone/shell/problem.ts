/** Something that a person must put right before a phone can run; the message says what. */
export class PhoneProblem extends Error {
  override readonly name = 'PhoneProblem'
}
