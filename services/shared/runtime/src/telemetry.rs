//! Traces, metrics and logs.
//!
//! Logs go to standard error or to a file. Trace ids are always made and handed on, so that an error, an event and a log line of
//! one request can be brought together; they are exported by OTLP only when an endpoint is set. Metrics can always be
//! scraped, and go by OTLP, too, when an endpoint is set. None of them ever carries personal data.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, sync::Mutex};

use anyhow::{Context, Result};
use opentelemetry::{
    metrics::{Meter, MeterProvider},
    trace::TracerProvider,
};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use prometheus::{Encoder, Registry, TextEncoder};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, Targets, filter_fn},
    fmt::writer::BoxMakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::settings::{LogFormat, TelemetrySettings};

/// The metrics of a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    provider: SdkMeterProvider,
}

impl Metrics {
    /// What instruments are made with.
    pub fn meter(&self) -> Meter {
        self.provider.meter("foursight")
    }

    /// Everything in Prometheus' text form.
    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("# {error}\n"),
        }
    }
}

/// Telemetry of a process; [`Telemetry::end`] sends what is still under way.
#[derive(Debug)]
pub struct Telemetry {
    /// The metrics.
    pub metrics: Metrics,
    tracer: SdkTracerProvider,
    logger: Option<SdkLoggerProvider>,
}

impl Telemetry {
    /// Starts telemetry. The tracing subscriber is the process' only global; a second start in one process (tests) keeps
    /// the first subscriber.
    ///
    /// # Errors
    /// When the endpoint or the filter is malformed.
    pub fn start(settings: &TelemetrySettings, service: &str) -> Result<Self> {
        let resource = Resource::builder().with_service_name(format!("foursight-{service}")).build();
        let endpoint = Some(settings.otlp_endpoint.as_str()).filter(|endpoint| !endpoint.is_empty());

        let registry = Registry::new();
        let scrape = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build()?;
        let mut meters = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scrape);
        let mut tracers = SdkTracerProvider::builder().with_resource(resource.clone());
        let mut logger = None;
        if let Some(endpoint) = endpoint {
            meters = meters.with_periodic_exporter(
                MetricExporter::builder().with_tonic().with_endpoint(endpoint).build()?,
            );
            tracers = tracers
                .with_batch_exporter(SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?);
            let logs = LogExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
            logger =
                Some(SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(logs).build());
        } else {
            // Spans have their ids all the same; what nobody gets is not written down.
            tracers = tracers.with_sampler(Sampler::AlwaysOff);
        }
        let tracer = tracers.build();
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());

        let filter = EnvFilter::try_new(&settings.log_filter).context("telemetry.log_filter is malformed")?;
        let spans = tracing_opentelemetry::layer()
            .with_tracer(tracer.tracer("foursight"))
            .with_location(false)
            // Nobody reads how long a span was idle; and only exported log lines look for the context of their thread.
            .with_tracked_inactivity(false)
            .with_context_activation(endpoint.is_some())
            .with_threads(false)
            .with_filter(
                "info,sqlx=off,h2=off,hyper=off,tonic=off,async_nats=off,batch_aint_one=off"
                    .parse::<Targets>()?,
            );
        let writer = match settings.log_file.as_str() {
            "" => BoxMakeWriter::new(std::io::stderr),
            file => {
                let file = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
                BoxMakeWriter::new(Mutex::new(file.context("telemetry.log_file cannot be written")?))
            }
        };
        let lines =
            tracing_subscriber::fmt::layer().with_ansi(settings.log_file.is_empty()).with_writer(writer);
        let lines = match settings.log_format {
            LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
            LogFormat::Text => lines.compact().boxed(),
        };
        let bridge = logger.as_ref().map(|logger| {
            // What the exporter itself logs must not be exported again.
            let filter =
                EnvFilter::new("info,opentelemetry=off,h2=off,hyper=off,tonic=off,sqlx=off,async_nats=warn");
            OpenTelemetryTracingBridge::new(logger).with_filter(filter)
        });
        // Every field of a span that lines know of is written out as text, whether a line follows or not: they know of those
        // that name their trace.
        let named = filter_fn(|of| of.is_event() || of.fields().field("trace_id").is_some());
        let _ = tracing_subscriber::registry()
            .with(spans)
            .with(lines.with_filter(filter.and(named)))
            .with(bridge)
            .try_init();

        Ok(Self { metrics: Metrics { registry, provider: meters.build() }, tracer, logger })
    }

    /// Sends what is still under way.
    pub fn end(self) {
        let _ = self.tracer.shutdown();
        let _ = self.metrics.provider.shutdown();
        if let Some(logger) = self.logger {
            let _ = logger.shutdown();
        }
    }
}
