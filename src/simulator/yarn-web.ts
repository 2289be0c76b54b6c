import { type HttpAnswer, jsonText } from './http-answer.ts'

const jsonType = 'application/json;charset=utf-8'
export const textType = 'text/plain;charset=utf-8'

export function json(value: unknown): HttpAnswer {
  return { status: 200, contentType: jsonType, body: jsonText(value) }
}

/** How YARN says no. */
export function exception(status: number, name: string, message: string): HttpAnswer {
  const javaClassName = `org.apache.hadoop.yarn.webapp.${name}`
  const body = jsonText({ RemoteException: { exception: name, message, javaClassName } })
  return { status, contentType: jsonType, body }
}

/** Id of the node. The port is that of its RPC, which nobody asks here. */
export function nodeId(nodeAddress: string): string {
  return `${nodeAddress.slice(0, nodeAddress.lastIndexOf(':'))}:8041`
}
