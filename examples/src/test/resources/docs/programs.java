abstract Mono<Void> poll();
