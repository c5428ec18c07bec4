"""The figures that risk is configured with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from services.risk.margin import MarginRates

if TYPE_CHECKING:
    from shared.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`default_limit` is what an account gets without a decision of an operator; `collar` is a factor.

    Value at risk is told with `var_confidence` for `var_horizon` trading days, from at most `var_window`
    and at least `var_least_scenarios` days of history.
    """

    default_limit: Decimal
    collar: Decimal
    currency: str
    margin_rates: MarginRates
    default_collateral: Decimal
    var_confidence: Decimal
    var_horizon: int
    var_window: int
    var_least_scenarios: int

    @classmethod
    def from_config(cls, config: Config) -> Policy:
        """The policy in the sections `risk` and `market`."""
        return cls(
            default_limit=config.get("risk.default_limit", Decimal),
            collar=config.get("risk.market_order_collar", Decimal),
            currency=config.get("market.currency", str),
            margin_rates=MarginRates(
                initial=config.get("risk.margin.initial", Decimal),
                maintenance=config.get("risk.margin.maintenance", Decimal),
                liquidation=config.get("risk.margin.liquidation", Decimal),
            ),
            default_collateral=config.get("risk.margin.default_collateral", Decimal),
            var_confidence=config.get("risk.var.confidence", Decimal),
            var_horizon=config.get("risk.var.horizon_days", int),
            var_window=config.get("risk.var.window_days", int),
            var_least_scenarios=config.get("risk.var.least_scenarios", int),
        )
