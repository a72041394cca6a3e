"""The table contracts: every table and column a company may bring, in one place.

``data/README.md``, the data dictionary, is derived from this file (``crm dictionary``); the checks of
:mod:`crm_lib.company` and the labels readers see are taken from it too.
"""

from __future__ import annotations

from typing import Any

from crm_lib.contract import Column, ColumnType, TableContract


def _column(name: str, type: ColumnType, label: str, meaning: str, **more: Any) -> Column:
    return Column(name=name, type=type, label=label, meaning=meaning, **more)


def _customer(required: bool = True) -> Column:
    return _column("customer_id", "text", "Customer", "The customer, as in `customers`.", required=required)


def _rating(name: str, label: str, meaning: str) -> Column:
    return _column(name, "number", label, meaning, unit="points", low=1, high=10)


CUSTOMERS = TableContract(
    name="customers", label="Customers", key=("customer_id",), open=True, happened_at="acquired_at",
    meaning="One row a customer: when, where and at what cost the customer was won, and attributes.",
    columns=(
        _column("customer_id", "text", "Customer", "The company's own number of the customer.", required=True),
        _column("name", "text", "Name", "Name of the customer, shown on the one-customer page only."),
        _column("acquired_at", "date", "Acquired", "Day on which the customer was won."),
        _column("acquisition_channel", "text", "Acquisition channel", "Channel that won the customer."),
        _column("acquisition_cost", "money", "Acquisition cost", "What winning this customer cost.", unit="currency", low=0),
        _column("referred_by", "text", "Referred by", "Customer who recommended the company to this one."),
        _column("region", "text", "Region", "Where the customer lives."),
        _column("local_competition", "text", "Local competition", "How many rivals the customer can reach.",
                choices=("low", "medium", "high")),
        _column("customer_group", "text", "Customer group", "The company's own grouping, such as household or business."),
        _column("birth_year", "integer", "Year of birth", "Year in which the customer was born.", low=1880, high=2100),
        _column("contact_allowed", "boolean", "Contact allowed", "Whether the customer agreed to be contacted."),
    ),
)  # fmt: skip

TRANSACTIONS = TableContract(
    name="transactions", label="Transactions", key=("line_id",), required=True,
    happened_at="ordered_at", recorded_at="recorded_at",
    meaning="One row an order line. A return is a line of its own with negative quantity or revenue, at the time of the return.",
    columns=(
        _column("order_id", "text", "Order", "The order or receipt to which the line belongs.", required=True),
        _column("line_id", "text", "Order line", "Number that no other line has; repeated ones are rejected."),
        _customer(),
        _column("ordered_at", "time", "Ordered", "When the customer bought or returned.", required=True),
        _column("recorded_at", "time", "Recorded", "When the line entered the books; lines entered after `as_of` are cut."),
        _column("product_id", "text", "Product number", "The company's own number of the product."),
        _column("product", "text", "Product", "Name of the product."),
        _column("category", "text", "Category", "Group of products."),
        _column("department", "text", "Department", "Group of categories, or the unit that sells them."),
        _column("quantity", "number", "Quantity", "Pieces bought; negative for a return.", unit="pieces"),
        _column("revenue", "money", "Revenue", "What the customer paid for the line, after discount; negative for a return.",
                unit="currency", required=True),
        _column("cost", "money", "Cost", "Cost of the goods of the line; negative for a return.", unit="currency"),
        _column("margin", "money", "Margin", "Revenue less cost. Filled from `cost`, else `margin_rate`, else the company's rate.",
                unit="currency"),
        _column("margin_rate", "number", "Margin rate", "Margin as a share of revenue.", unit="share", low=-10, high=1),
        _column("discount", "money", "Discount", "What the price was reduced by, as a positive amount.", unit="currency", low=0),
        _column("channel", "text", "Channel", "Where the customer bought: shop, web, app, telephone …"),
    ),
)  # fmt: skip

MEMBERSHIPS = TableContract(
    name="memberships", label="Memberships", key=("membership_id",), happened_at="started_at", orders=(("started_at", "ended_at"),),
    meaning="One row a contract, from its start to its end.",
    columns=(
        _column("membership_id", "text", "Membership", "Number of the contract."),
        _customer(),
        _column("started_at", "date", "Started", "First day of the contract.", required=True),
        _column("ended_at", "date", "Ended", "Last day of the contract; empty while it runs.", known_at="ended_at"),
        _column("plan", "text", "Plan", "Kind of contract."),
        _column("price", "money", "Price", "Price of one contract period.", unit="currency", low=0),
        _column("period_months", "integer", "Period", "Length of one contract period.", unit="months", low=1, high=120),
        _column("end_reason", "text", "End reason", "Why the contract ended.", known_at="ended_at"),
    ),
)  # fmt: skip

INTERACTIONS = TableContract(
    name="interactions", label="Interactions", key=("interaction_id",), happened_at="occurred_at",
    meaning="One row a contact between the company and a customer.",
    columns=(
        _column("interaction_id", "text", "Contact", "Number of the contact."),
        _customer(),
        _column("occurred_at", "time", "Occurred", "When the contact took place.", required=True),
        _column("channel", "text", "Channel", "Touchpoint: shop, telephone, e-mail, chat, web …"),
        _column("phase", "text", "Phase", "Whether the contact came before, during or after a purchase.",
                choices=("before", "during", "after")),
        _column("kind", "text", "Kind", "What the contact was: question, advice, order help, review, complaint …"),
        _column("minutes", "number", "Minutes", "Time that the contact took.", unit="minutes", low=0, high=10_080),
        _column("cost", "money", "Cost", "What the contact cost the company.", unit="currency", low=0),
        _column("resolved", "boolean", "Resolved", "Whether the customer's matter was settled in this contact."),
        _column("employee_id", "text", "Employee", "Who served the customer, as in `employees`."),
        _column("order_id", "text", "Order", "The order the contact was about."),
    ),
)  # fmt: skip

COMPLAINTS = TableContract(
    name="complaints", label="Complaints", key=("complaint_id",), happened_at="opened_at", orders=(("opened_at", "closed_at"),),
    meaning="One row a complaint, from its opening to its closing.",
    columns=(
        _column("complaint_id", "text", "Complaint", "Number of the complaint."),
        _customer(),
        _column("opened_at", "time", "Opened", "When the customer complained.", required=True),
        _column("closed_at", "time", "Closed", "When the complaint was closed; empty while it is open.", known_at="closed_at"),
        _column("topic", "text", "Topic", "What the complaint was about."),
        _column("severity", "integer", "Severity", "How grave the problem was for the customer.", unit="points", low=1, high=5),
        _column("resolution", "text", "Resolution", "How it was settled: refund, replacement, apology, none …", known_at="closed_at"),
        _column("satisfied", "boolean", "Satisfied", "Whether the customer was satisfied with the settlement.", known_at="closed_at"),
        _column("followed_up", "boolean", "Followed up", "Whether the company asked again afterwards.", known_at="closed_at"),
    ),
)  # fmt: skip

SURVEYS = TableContract(
    name="surveys", label="Surveys", key=("response_id",), open=True, happened_at="responded_at",
    meaning="One row an answer of one respondent about one brand; further items are kept under the company's own names.",
    columns=(
        _column("response_id", "text", "Answer", "Number of the answer."),
        _customer(required=False),
        _column("responded_at", "date", "Answered", "Day of the answer.", required=True),
        _column("wave", "text", "Wave", "Name of the survey wave."),
        _column("brand", "text", "Brand", "The brand that was rated; empty for the own brand."),
        _rating("expectation", "Expectation", "What the customer had expected, overall."),
        _rating("product_quality", "Product quality", "Perceived quality of the products."),
        _rating("service_quality", "Service quality", "Perceived quality of the service."),
        _rating("personnel_quality", "Personnel", "Perceived quality of the people and their conduct."),
        _rating("image", "Image", "Standing of the brand with the customer."),
        _rating("value_for_money", "Value for money", "What the customer gets for what it costs."),
        _rating("satisfaction", "Satisfaction", "Overall satisfaction."),
        _rating("loyalty", "Loyalty", "Intention to buy again."),
        _column("recommendation", "integer", "Recommendation", "Would the customer recommend the company?", unit="points", low=0, high=10),
        _rating("price_burden", "Price burden", "How heavy the price weighs (10 = very)."),
        _rating("time_burden", "Time burden", "How much time buying takes (10 = very much)."),
        _rating("energy_burden", "Energy burden", "How tiring buying is (10 = very)."),
        _rating("effort_burden", "Mental effort", "How much thought and worry buying takes (10 = very much)."),
        _rating("personal_offers", "Personal offers", "How much the customer wishes for personal offers (10 = very)."),
        _column("persons_told", "integer", "Persons told", "To how many others the customer spoke of the experience.", unit="persons", low=0, high=1000),
        _column("weight", "number", "Weight", "Survey weight of the answer.", low=0),
    ),
)  # fmt: skip

DEPARTURES = TableContract(
    name="departures", label="Departures", key=("customer_id", "departed_at"), happened_at="departed_at",
    meaning="One row a known departure of a customer; who came back may leave again.",
    columns=(
        _customer(),
        _column("departed_at", "date", "Departed", "Day on which the customer left.", required=True),
        _column("cause", "text", "Cause", "Why the customer left.",
                choices=("natural", "competition", "own_fault", "given_up", "other")),
    ),
)  # fmt: skip

CAMPAIGNS = TableContract(
    name="campaigns", label="Campaigns", key=("campaign_id",), happened_at="started_at", orders=(("started_at", "ended_at"),),
    meaning="One row a campaign.",
    columns=(
        _column("campaign_id", "text", "Campaign", "Number of the campaign.", required=True),
        _column("campaign", "text", "Name", "Name of the campaign."),
        _column("started_at", "date", "Started", "First day of the campaign.", required=True),
        _column("ended_at", "date", "Ended", "Last day of the campaign."),
        _column("channel", "text", "Channel", "How customers were addressed."),
        _column("goal", "text", "Goal", "What the campaign was for: win, grow, keep, win back."),
        _column("fixed_cost", "money", "Fixed cost", "Cost that does not depend on the number of customers.", unit="currency", low=0),
    ),
)  # fmt: skip

ASSIGNMENTS = TableContract(
    name="assignments", label="Assignments", key=("campaign_id", "customer_id"), happened_at="assigned_at", orders=(("outcome_from", "outcome_to"), ("assigned_at", "outcome_to"), ("assigned_at", "responded_at")),
    meaning="One row a customer in a campaign: the arm, the offer, and the window in which the outcome counts.",
    columns=(
        _column("campaign_id", "text", "Campaign", "The campaign, as in `campaigns`.", required=True),
        _customer(),
        _column("assigned_at", "date", "Assigned", "Day of the assignment.", required=True),
        _column("arm", "text", "Arm", "Treatment the customer was given; one arm is the control.", required=True),
        _column("randomised", "boolean", "Randomised", "Whether the arm was drawn by chance."),
        _column("offer", "text", "Offer", "What was offered."),
        _column("cost", "money", "Cost", "What addressing this customer cost.", unit="currency", low=0),
        _column("outcome_from", "date", "Outcome from", "First day of the outcome window."),
        _column("outcome_to", "date", "Outcome to", "Last day of the outcome window."),
        _column("responded_at", "date", "Responded", "Day of the response, such as redeeming a coupon.", known_at="responded_at"),
    ),
)  # fmt: skip

COMPETITORS = TableContract(
    name="competitors", label="Competitors", key=("brand", "measure", "measured_at"), happened_at="measured_at",
    meaning="One row a benchmark: one measure of one brand, the own brand among them.",
    columns=(
        _column("brand", "text", "Brand", "The brand that was measured.", required=True),
        _column("own", "boolean", "Own brand", "Whether this is the own brand."),
        _column("measure", "text", "Measure", "What was measured.", required=True),
        _column("measured_at", "date", "Measured", "Day of the measurement.", required=True),
        _column("value", "number", "Value", "The result.", required=True),
        _column("unit", "text", "Unit", "Unit of the value."),
        _column("better", "text", "Better", "Which direction is better.", choices=("higher", "lower")),
        _column("kind", "text", "Kind", "Whether the measure is a means or an end of the business.", choices=("input", "output")),
    ),
)  # fmt: skip

SWITCHING = TableContract(
    name="switching", label="Brand switching", happened_at="observed_at",
    meaning="One row a customer or panel member who named the brand bought before and the brand bought now.",
    columns=(
        _customer(required=False),
        _column("observed_at", "date", "Observed", "Day of the observation.", required=True),
        _column("from_brand", "text", "From", "Brand bought before.", required=True),
        _column("to_brand", "text", "To", "Brand bought now.", required=True),
        _column("weight", "number", "Weight", "How many the row stands for.", low=0),
    ),
)  # fmt: skip

CAPABILITIES = TableContract(
    name="capabilities", label="Capabilities", happened_at="assessed_at",
    meaning="One row an item of the company's self-assessment by one assessor.",
    columns=(
        _column("area", "text", "Area", "Field of the assessment.", required=True,
                choices=("culture", "processes", "organisation", "technology", "people")),
        _column("item", "text", "Item", "What was assessed.", required=True),
        _column("assessor", "text", "Assessor", "Who assessed it."),
        _column("assessed_at", "date", "Assessed", "Day of the assessment.", required=True),
        _column("score", "number", "Score", "Where the company stands.", unit="points", required=True, low=1, high=5),
        _column("target", "number", "Target", "Where it wants to be.", unit="points", low=1, high=5),
        _column("weight", "number", "Weight", "How much the item matters.", low=0),
    ),
)  # fmt: skip

OPPORTUNITIES = TableContract(
    name="opportunities", label="Opportunities", key=("opportunity_id", "stage"), happened_at="entered_at", orders=(("entered_at", "left_at"),),
    meaning="One row a sales opportunity in one stage of the pipeline.",
    columns=(
        _column("opportunity_id", "text", "Opportunity", "Number of the opportunity.", required=True),
        _customer(required=False),
        _column("prospect_id", "text", "Prospect", "The prospect, as in `prospects`."),
        _column("stage", "text", "Stage", "Stage of the pipeline.", required=True),
        _column("stage_number", "integer", "Stage number", "Place of the stage in the pipeline.", low=1, high=20),
        _column("entered_at", "date", "Entered", "Day on which the stage was entered.", required=True),
        _column("left_at", "date", "Left", "Day on which the stage was left; empty while it is in it.", known_at="left_at"),
        _column("outcome", "text", "Outcome", "What came after the stage.", choices=("advanced", "won", "lost"), known_at="left_at"),
        _column("amount", "money", "Amount", "Expected value of the deal.", unit="currency", low=0),
        _column("seller", "text", "Seller", "Who is in charge."),
    ),
)  # fmt: skip

PROSPECTS = TableContract(
    name="prospects", label="Prospects", key=("prospect_id",), open=True, happened_at="first_seen_at", orders=(("first_seen_at", "converted_at"),),
    meaning="One row a potential customer, with what is known before the first purchase.",
    columns=(
        _column("prospect_id", "text", "Prospect", "Number of the prospect.", required=True),
        _column("first_seen_at", "date", "First seen", "Day on which the prospect became known.", required=True),
        _column("acquisition_channel", "text", "Acquisition channel", "Channel through which the prospect came."),
        _column("region", "text", "Region", "Where the prospect lives."),
        _column("local_competition", "text", "Local competition", "How many rivals the prospect can reach.",
                choices=("low", "medium", "high")),
        _column("customer_group", "text", "Customer group", "As in `customers`."),
        _column("birth_year", "integer", "Year of birth", "Year in which the prospect was born.", low=1880, high=2100),
        _column("contact_allowed", "boolean", "Contact allowed", "Whether the prospect agreed to be contacted."),
        _column("acquisition_cost", "money", "Acquisition cost", "What winning the prospect would cost.", unit="currency", low=0),
        _column("customer_id", "text", "Customer", "The customer that the prospect became.", known_at="converted_at"),
        _column("converted_at", "date", "Converted", "Day of the first purchase.", known_at="converted_at"),
    ),
)  # fmt: skip

EMPLOYEES = TableContract(
    name="employees", label="Employees", happened_at="surveyed_at", orders=(("hired_at", "left_at"), ("hired_at", "surveyed_at")),
    meaning="One row an employee and survey.",
    columns=(
        _column("employee_id", "text", "Employee", "Number of the employee.", required=True),
        _column("surveyed_at", "date", "Surveyed", "Day of the employee survey.", required=True),
        _column("team", "text", "Team", "Team or unit."),
        _column("hired_at", "date", "Hired", "First day in the company."),
        _column("left_at", "date", "Left", "Last day in the company.", known_at="left_at"),
        _rating("satisfaction", "Satisfaction", "How satisfied the employee is with the work."),
        _rating("enablement", "Enablement", "Whether the employee has the means to serve customers well."),
    ),
)  # fmt: skip

PARTNERS = TableContract(
    name="partners", label="Partners", key=("partner_id", "assessed_at"), happened_at="assessed_at",
    meaning="One row an assessment of a partner: supplier, distributor, owner, community.",
    columns=(
        _column("partner_id", "text", "Partner number", "Number of the partner.", required=True),
        _column("partner", "text", "Partner", "Name of the partner."),
        _column("kind", "text", "Kind", "What the partner is to the company.",
                choices=("supplier", "distributor", "owner", "employee body", "community")),
        _column("assessed_at", "date", "Assessed", "Day of the assessment.", required=True),
        _column("volume", "money", "Volume", "Business done with the partner in the year before.", unit="currency", low=0),
        _column("quality", "number", "Quality", "Quality of what the partner delivers.", unit="points", low=1, high=5),
        _column("reliability", "number", "Reliability", "Share of commitments kept.", unit="share", low=0, high=1),
        _column("dependence", "number", "Dependence", "How hard the partner would be to replace.", unit="points", low=1, high=5),
    ),
)  # fmt: skip

TABLES: dict[str, TableContract] = {
    table.name: table
    for table in (
        CUSTOMERS, TRANSACTIONS, MEMBERSHIPS, INTERACTIONS, COMPLAINTS, SURVEYS, DEPARTURES, CAMPAIGNS, ASSIGNMENTS,
        COMPETITORS, SWITCHING, CAPABILITIES, OPPORTUNITIES, PROSPECTS, EMPLOYEES, PARTNERS,
    )
}  # fmt: skip
"""Every table contract by name, in the order of the data dictionary."""
