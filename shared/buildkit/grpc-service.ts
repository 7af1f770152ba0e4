import {
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';

/** A method as grpc-js wants it, typed by its messages. */
export type GrpcMethod<I extends DescMessage, O extends DescMessage> = MethodDefinition<
  MessageShape<I>,
  MessageShape<O>
>;

/** What joins a generated method to grpc-js: its path, and how its messages become bytes. */
export function grpcMethod<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
): GrpcMethod<I, O> {
  const streams = method.methodKind;
  return {
    path: methodPath(method),
    requestStream: streams === 'client_streaming' || streams === 'bidi_streaming',
    responseStream: streams === 'server_streaming' || streams === 'bidi_streaming',
    requestSerialize: (value) => Buffer.from(toBinary(method.input, value)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (value) => Buffer.from(toBinary(method.output, value)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

/** A generated service as grpc-js wants it, to serve it. */
export function grpcService<S extends DescService>(
  service: S,
): { readonly [K in keyof S['method']]: ReturnType<typeof grpcMethod> } {
  const methods = service.methods.map((method) => [method.localName, grpcMethod(method)]);
  return Object.fromEntries(methods);
}

/** `/package.Service/Method`. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
