//! The W3C trace context of the span that is entered, for what outlives the span: an event, an audit row, an error.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The id of the current trace, 32 hexadecimal digits; `None` outside any trace.
pub fn trace_id() -> Option<String> {
    id_in(&Span::current().context())
}

/// The current position as the header `traceparent` has it; `None` outside any trace.
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid()
        .then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
}

/// The context that a `traceparent` names, for a span that goes on from there; `None` when it is malformed.
pub fn parse_traceparent(header: &str) -> Option<Context> {
    let mut parts = header.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 2 || version == "ff" || trace.len() != 32 || span.len() != 16 || flags.len() != 2 {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then(|| Context::new().with_remote_span_context(context))
}

/// Makes `span` go on from a `traceparent`, if there is a well-formed one.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    if let Some(parent) = traceparent.and_then(parse_traceparent) {
        go_on(span, parent);
    }
}

/// A span that goes on from a `traceparent`, or begins a trace when there is no well-formed one. `make` is given the trace's id
/// for the span's field `trace_id`: log lines carry the fields of spans that have it. It is asked for nothing later, because
/// what is recorded on a span after its beginning is written out as text once more.
pub fn span_in(traceparent: Option<&str>, make: impl FnOnce(Option<String>) -> Span) -> Span {
    let Some(parent) = traceparent.and_then(parse_traceparent) else {
        let span = make(None);
        if let Some(id) = id_in(&span.context()) {
            span.record("trace_id", id);
        }
        return span;
    };
    let span = make(id_in(&parent));
    go_on(&span, parent);
    span
}

fn go_on(span: &Span, parent: Context) {
    // Refused only when no OpenTelemetry layer is installed, and then there is nothing to go on from.
    let _ = span.set_parent(parent);
}

fn id_in(context: &Context) -> Option<String> {
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

#[cfg(test)]
mod tests {
    use super::parse_traceparent;

    #[test]
    fn only_a_well_formed_header_is_a_parent() {
        assert!(parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_some());
        for wrong in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parse_traceparent(wrong).is_none(), "{wrong}");
        }
    }
}
