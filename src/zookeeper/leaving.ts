import { UnavailableError } from '../runtime/errors.ts'

/** Why we left a server that does not know a request type. */
export class UnknownRequest extends UnavailableError {
  readonly opcode: number

  constructor(server: string, opcode: number) {
    super(`Connection to "${server}": request type ${opcode} is unknown there`)
    this.opcode = opcode
  }
}

/** Why we left a read-only server. */
export class WritableElsewhere extends UnavailableError {
  constructor(server: string, other: string) {
    super(`Connection to "${server}": it is read-only, and "${other}" is not`)
  }
}
