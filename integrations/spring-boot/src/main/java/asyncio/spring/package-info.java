/**
 * Spring Boot integration: loops leased by the application's contexts, the server and its clients on them, background
 * work that ends after the server has drained, health and an endpoint.
 */
@NullMarked
package asyncio.spring;

import org.jspecify.annotations.NullMarked;
