import reactor.core.Disposable;
