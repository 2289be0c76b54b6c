import { UnavailableError } from '../runtime/errors.ts'

/** Codes of OpenSSL's verification and of Node's: we do not accept the certificate of the broker. */
const ours =
  /^(?:CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERROR_IN_CERT_|INVALID_CA$|INVALID_PURPOSE$|HOSTNAME_MISMATCH$|PATH_LENGTH_|ERR_TLS_CERT_)/

/** Alerts of TLS that say what the broker thinks of our certificate (RFC 8446, section 6.2). */
const theirs =
  /^ERR_SSL_.*ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|NO_CERTIFICATE)/

/** What brokers up to 2.3 send in place of the alert is read as a message out of order. */
const brokenOff = /^ERR_SSL_(?:.*ALERT_HANDSHAKE_FAILURE|UNEXPECTED_MESSAGE)$/

/** The same error; `denied`, and with the side that refused, when a certificate was not accepted. */
export function withTlsRefusal(error: Error): Error {
  if (!(error instanceof UnavailableError) || error.denied) return error
  const code = codeOf(error.cause)
  const who = ours.test(code)
    ? 'we do not accept the certificate of the broker'
    : theirs.test(code)
      ? 'the broker does not accept our certificate, or wants one'
      : brokenOff.test(code)
        ? 'the broker broke off the handshake: it wants a certificate, or a cipher that we do not have'
        : undefined
  if (who === undefined) return error
  return new UnavailableError(`${error.message} (${who})`, { cause: error.cause, denied: true })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
