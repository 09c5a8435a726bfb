CREATE TABLE "feed" (
	"id" integer PRIMARY KEY NOT NULL,
	"last" bigint NOT NULL,
	"floor" bigint NOT NULL,
	CONSTRAINT "feed_is_one" CHECK (id = 1)
);
--> statement-breakpoint
INSERT INTO "feed" ("id", "last", "floor") VALUES (1, 0, 0);
--> statement-breakpoint
DROP INDEX "generations_newest";--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "mode" text;--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "position" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "events_position" ON "events" USING btree ("position") WHERE position is not null;--> statement-breakpoint
CREATE INDEX "events_feed" ON "events" USING btree ("workspace_id","mode","position") WHERE position is not null;--> statement-breakpoint
CREATE INDEX "events_unstamped" ON "events" USING btree ("at","generation_id","version") WHERE position is null;--> statement-breakpoint
CREATE INDEX "generations_status" ON "generations" USING btree ("workspace_id","mode","status","created_at","id");--> statement-breakpoint
CREATE INDEX "generations_newest" ON "generations" USING btree ("workspace_id","mode","created_at","id");