float name_anomaly(name_state *s, const float *y)
{
    const float count = (float)(s->n_residuals + 1u);
    const float rate = count * NAME_ANOMALY_RATE < 1.0f ? 1.0f / count : NAME_ANOMALY_RATE;
    float sum = 0.0f;
    size_t k;
    for (k = 0; k < NAME_OUTPUTS; ++k) {
        const float residual = y[k] - s->predicted[k];
        if (!(residual <= FLT_MAX && residual >= -FLT_MAX)) return FLT_MAX;
    }
    for (k = 0; k < NAME_OUTPUTS; ++k) {
        const float d = (y[k] - s->predicted[k]) - s->residual_mean[k];
        const float step = rate * d;
        if (s->residual_variance[k] > 0.0f) sum = sum + name_product(d, d) / s->residual_variance[k];
        s->residual_mean[k] = s->residual_mean[k] + name_product(rate, d);
        s->residual_variance[k] = (1.0f - rate) * (s->residual_variance[k] + name_product(step, d));
    }
    if (count * NAME_ANOMALY_RATE < 1.0f) ++s->n_residuals;
    return sum / (float)NAME_OUTPUTS;
}
