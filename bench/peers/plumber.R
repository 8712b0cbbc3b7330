# Survival as a service of R: Rscript plumber.R <port>
suppressPackageStartupMessages({
  library(plumber)
  library(survival)
})

options(plumber.maxRequestSize = 0)

# The body has columns, which jsonlite reads fastest; the answer has what that of the naive service has.
estimate_survival <- function(req) {
  body <- req$body
  sample <- as.data.frame(body$subjects)
  fit <- survfit(Surv(time, event) ~ group, data = sample)
  test <- survdiff(Surv(time, event) ~ group, data = sample)
  figures <- summary(fit, rmean = "individual")$table
  groups <- lapply(seq_along(fit$strata), function(place) {
    one <- fit[place]
    list(
      label = sub("^group=", "", names(fit$strata)[place]),
      figures = as.list(figures[place, ]),
      curve = if (isFALSE(body$curve)) NULL else
        list(time = one$time, survival = one$surv, lower = one$lower, upper = one$upper)
    )
  })
  list(groups = groups, p_value = pchisq(test$chisq, length(groups) - 1, lower.tail = FALSE))
}

# What else of our answer survival knows.
estimate_whole <- function(req) {
  sample <- as.data.frame(req$body$subjects)
  sample$group <- factor(sample$group)
  horizon <- min(tapply(sample$time, sample$group, max))
  by_group <- survfit(Surv(time, event) ~ group, data = sample)
  model <- coxph(Surv(time, event) ~ group, data = sample)
  all <- survfit(Surv(time, event) ~ 1, data = sample)
  c(estimate_survival(req), list(
    overall = list(
      figures = as.list(summary(all, rmean = "individual")$table),
      curve = if (isFALSE(req$body$curve)) NULL else
        list(time = all$time, survival = all$surv, lower = all$lower, upper = all$upper)
    ),
    follow_up = c(
      list(quantile(survfit(Surv(time, 1 - event) ~ 1, data = sample), 0.5)),
      list(quantile(survfit(Surv(time, 1 - event) ~ group, data = sample), 0.5))
    ),
    means = summary(by_group, rmean = horizon)$table[, c("rmean", "se(rmean)")],
    hazard_ratios = summary(model)$conf.int,
    proportional = cox.zph(model, terms = TRUE)$table
  ))
}

serialize <- serializer_json(auto_unbox = TRUE, digits = NA)

pr() |>
  pr_get("/readyz", function() "ready") |>
  pr_post("/v1/survival", estimate_survival, serializer = serialize) |>
  pr_post("/v1/survival/whole", estimate_whole, serializer = serialize) |>
  pr_run(host = "127.0.0.1", port = as.integer(commandArgs(TRUE)[1]), docs = FALSE, quiet = TRUE)
